// A tigela alongada: curvaturas 1 e λmax, e um fator por direção a cada passo.
course.interactive("descida_2d", (stage) => {
  const START = [-9, 1], LIMIT = 200;
  const bowl = stage.plot({
    x: [-10.5, 3], y: [-3.5, 3.5], xLabel: "θ₁ (direção comprida)", yLabel: "θ₂ (direção curva)", height: 309,
    label: "Curvas de nível em elipse e o caminho da descida, que parte da esquerda; o mínimo está na cruz.",
  });
  const rings = bowl.body.append("g").attr("fill", "none").attr("stroke", course.colors.muted).attr("stroke-opacity", 0.6);
  bowl.body.append("path").attr("d", `M${bowl.x(0) - 6},${bowl.y(0)}h12M${bowl.x(0)},${bowl.y(0) - 6}v12`).attr("stroke", course.colors.text).attr("stroke-width", 2);
  const line = d3.line();
  const trail = bowl.body.append("path").attr("fill", "none").attr("stroke", course.colors.blue).attr("stroke-width", 1.5);
  const dots = bowl.body.append("g");

  // Os dois fatores 1 − ηλ em uma régua; entre −1 e 1, a direção converge.
  const ruler = stage.svg(550, 128, "Régua com o fator de cada direção; entre −1 e 1 a direção converge.");
  const at = d3.scaleLinear().domain([-2, 1.2]).range([70, 534]).clamp(true);
  ruler.append("rect").attr("x", at(-1)).attr("width", at(1) - at(-1)).attr("y", 50).attr("height", 16).attr("fill", course.colors.green).attr("fill-opacity", 0.3);
  ruler.append("g").attr("class", "axis").attr("transform", "translate(0,66)").call(d3.axisBottom(at).tickValues([-2, -1, 0, 1]).tickFormat(d3.format("d")));
  ruler.append("text").attr("x", 302).attr("y", 120).attr("text-anchor", "middle").text("fator por passo (na faixa verde, converge)");
  const marks = ruler.selectAll("g.mark").data([["comprida", "▼"], ["curva", "◆"]]).join("g").attr("class", "mark");
  marks.append("text").attr("class", "sign").attr("text-anchor", "middle").attr("y", 65).style("font-size", "18px").text(([, sign]) => sign);
  marks.append("text").attr("class", "name").attr("text-anchor", "middle").attr("y", (_, i) => (i ? 18 : 43)).text(([name]) => name);

  let path = [];

  const factors = () => [1 - rate.value, 1 - rate.value * curvature.value];
  const distance = () => Math.hypot(...path[path.length - 1]);

  function draw(ending = "") {
    const f = factors();
    marks.attr("transform", (_, i) => `translate(${at(f[i])},0)`);
    rings.selectAll("ellipse").data(d3.range(1, 9)).join("ellipse").attr("cx", bowl.x(0)).attr("cy", bowl.y(0))
      .attr("rx", (r) => bowl.x(1.4 * r) - bowl.x(0)).attr("ry", (r) => bowl.y(0) - bowl.y((1.4 * r) / Math.sqrt(curvature.value)));
    const points = path.map(([a, b]) => [bowl.x(a), bowl.y(Math.max(-100, Math.min(100, b)))]);
    trail.attr("d", line(points));
    dots.selectAll("circle").data(points).join("circle").attr("cx", ([x]) => x).attr("cy", ([, y]) => y)
      .attr("r", (_, k) => (k === path.length - 1 ? 6 : 3))
      .attr("fill", (_, k) => (k === path.length - 1 ? course.colors.orange : course.colors.blue));
    stage.say(
      `Limite 2/λmax = ${course.number(2 / curvature.value, 3)}. Fatores: comprida ${course.number(f[0], 3)}, curva ${course.number(f[1], 3)}. ` +
      `Passo ${path.length - 1}: distância ao mínimo ${course.number(distance(), 3)}. ${ending}`,
    );
  }

  const done = () => path.length > LIMIT || distance() > 50 || distance() < 0.009;

  function step() {
    if (done()) return false;
    const f = factors(), now = path[path.length - 1];
    path.push([now[0] * f[0], now[1] * f[1]]);
    const steps = path.length - 1;
    const ending = distance() < 0.009 ? `Chegou: a distância caiu mil vezes em ${steps} passos.`
      : distance() > 50 ? "Divergiu pela direção curva."
      : steps >= LIMIT ? `${LIMIT} passos, e ainda não chegou.` : "";
    draw(ending);
    return !done();
  }

  function reset() { path = [START]; draw(); }

  const change = () => { animation.stop(); reset(); };
  const rate = stage.slider({ label: "Taxa de aprendizado η", min: 0.004, max: 0.52, step: 0.002, value: 0.03, format: (v) => course.number(v, 3) }, change);
  const curvature = stage.slider({ label: "Maior curvatura λmax (a menor é 1)", min: 4, max: 20, step: 1, value: 10, format: (v) => course.number(v, 0) }, change);
  const animation = stage.player({ step, reset, milliseconds: 200 });
  reset();
});
