// A viagem em uma dimensão: uma curva com dois vales, a partida e a taxa na mão do leitor.
course.interactive("descida_1d", (stage) => {
  const LIMIT = 60;
  const risk = (t) => 0.1 * t ** 4 - 0.8 * t ** 2 + 0.3 * t + 2;
  const slope = (t) => 0.4 * t ** 3 - 1.6 * t + 0.3;
  const PLACES = [[-2.088, "no vale fundo"], [0.189, "no alto do morro, onde a inclinação também é zero"], [1.899, "no vale raso"]];

  const hill = stage.plot({
    x: [-3.4, 3.4], y: [-0.8, 5], xLabel: "θ", yLabel: "R(θ)", height: 280,
    label: "A curva com um vale fundo à esquerda e um raso à direita, e os pontos visitados pela descida.",
  });
  const line = d3.line();
  hill.body.append("path").attr("fill", "none").attr("stroke", course.colors.muted).attr("stroke-width", 2)
    .attr("d", line(d3.range(-3.5, 3.51, 0.05).map((t) => [hill.x(t), hill.y(risk(t))])));
  const tangent = hill.body.append("line").attr("stroke", course.colors.orange).attr("stroke-width", 2).attr("stroke-dasharray", "6 4");
  const jumps = hill.body.append("path").attr("fill", "none").attr("stroke", course.colors.blue).attr("stroke-opacity", 0.5);
  const dots = hill.body.append("g");

  const trace = stage.plot({
    x: [0, LIMIT], y: [-3.4, 3.4], xLabel: "passo", yLabel: "θ", height: 200,
    label: "A posição θ a cada passo; as linhas pontilhadas marcam os dois vales.",
  });
  trace.body.selectAll("line").data([PLACES[0], PLACES[2]]).join("line").attr("x1", trace.x(0)).attr("x2", trace.x(LIMIT))
    .attr("y1", ([t]) => trace.y(t)).attr("y2", ([t]) => trace.y(t)).attr("stroke", course.colors.muted).attr("stroke-dasharray", "2 5");
  const history = trace.body.append("path").attr("fill", "none").attr("stroke", course.colors.blue).attr("stroke-width", 2);
  const last = trace.body.append("circle").attr("r", 5).attr("fill", course.colors.orange);

  let path = [];

  function draw(ending = "") {
    const now = path[path.length - 1], s = slope(now);
    // Um ponto que fugiu para muito longe é desenhado na beira: o SVG não aceita números enormes.
    const near = path.map((t) => Math.max(-60, Math.min(60, t)));
    dots.selectAll("circle").data(near).join("circle").attr("cx", (t) => hill.x(t)).attr("cy", (t) => hill.y(risk(t)))
      .attr("r", (_, k) => (k === path.length - 1 ? 7 : 4))
      .attr("fill", (_, k) => (k === path.length - 1 ? course.colors.orange : course.colors.blue));
    jumps.attr("d", line(near.map((t) => [hill.x(t), hill.y(risk(t))])));
    tangent.attr("x1", hill.x(now - 0.7)).attr("y1", hill.y(risk(now) - 0.7 * s))
      .attr("x2", hill.x(now + 0.7)).attr("y2", hill.y(risk(now) + 0.7 * s)).attr("visibility", Math.abs(now) > 5 ? "hidden" : "visible");
    history.attr("d", line(near.map((t, k) => [trace.x(k), trace.y(t)])));
    last.attr("cx", trace.x(path.length - 1)).attr("cy", trace.y(near[near.length - 1]));
    stage.say(`Passo ${path.length - 1}: θ = ${course.number(now)}, R = ${course.number(risk(now))}, inclinação ${course.number(Math.abs(s) < 0.005 ? 0 : s)}. ${ending}`);
  }

  function step() {
    if (path.length > LIMIT || Math.abs(path[path.length - 1]) > 50) return false;
    const before = path[path.length - 1];
    const now = before - rate.value * slope(before);
    path.push(now);
    if (Math.abs(now) > 50) {
      draw("Divergiu: cada salto é maior que o anterior.");
      return false;
    }
    if (Math.abs(now - before) < 1e-4) {
      const place = PLACES.slice().sort((a, b) => Math.abs(a[0] - now) - Math.abs(b[0] - now))[0];
      draw(Math.abs(place[0] - now) < 0.05 ? `Parou ${place[1]}.` : "Quase não anda: os passos são minúsculos.");
      return false;
    }
    const over = path.length > LIMIT;
    draw(over ? `${LIMIT} passos, e ainda não parou.` : "");
    return !over;
  }

  function reset() { path = [start.value]; draw(); }

  const change = () => { animation.stop(); reset(); };
  const start = stage.slider({ label: "Partida θ₀", min: -3, max: 3, step: 0.05, value: 3 }, change);
  const rate = stage.slider({ label: "Taxa de aprendizado η", min: 0.01, max: 1, step: 0.01, value: 0.2 }, change);
  const animation = stage.player({ step, reset });
  reset();
});
