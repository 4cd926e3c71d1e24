// O plano de dois pesos: a perda ½ (w − w*)ᵀ H (w − w*), com H = [[1, ρ], [ρ, 1]], e a solução com penalidade L1 ou L2.
course.interactive("bolas", (stage) => {
  const X = [-2.2, 2.2], Y = [-1.4, 2.4], FAR = 9;
  const plot = stage.plot({
    x: X, y: Y, xLabel: "w₁", yLabel: "w₂", height: 469,
    label: "O plano de dois pesos: a cruz w*, mínimo da perda, cercada de elipses; a bola da penalidade em torno da origem; e a solução, no ponto em que uma elipse encosta na bola.",
  });
  const unit = plot.x(1) - plot.x(0);
  const screen = (points) => "M" + points.map(([a, b]) => `${plot.x(a)},${plot.y(b)}`).join("L") + "Z";

  // De trás para a frente: onde algum peso zera, os eixos, a bola, as curvas de nível, a solução e a cruz.
  const zone = plot.body.append("g").attr("fill", course.colors.green).attr("stroke", course.colors.green);
  plot.body.append("path").attr("stroke", course.colors.muted)
    .attr("d", `M${plot.x(X[0])},${plot.y(0)}H${plot.x(X[1])}M${plot.x(0)},${plot.y(Y[0])}V${plot.y(Y[1])}`);
  const ball = plot.body.append("path").attr("fill", course.colors.blue).attr("fill-opacity", 0.22)
    .attr("stroke", course.colors.blue).attr("stroke-width", 1.5);
  const rings = plot.body.append("g").attr("fill", "none").attr("stroke", course.colors.orange);
  const segment = plot.body.append("line").attr("stroke", course.colors.muted).attr("stroke-dasharray", "2 4");
  const solution = plot.body.append("circle").attr("r", 7).attr("fill", course.colors.blue);
  const name = plot.body.append("text").attr("class", "axis-label").text("ŵ");
  const handle = plot.body.append("g").style("cursor", "grab");
  handle.append("circle").attr("r", 22).attr("fill", "transparent");
  handle.append("path").attr("d", "M-8,-8L8,8M8,-8L-8,8").attr("stroke", course.colors.text).attr("stroke-width", 3);
  handle.append("text").attr("class", "axis-label").attr("x", 12).attr("y", -10).text("w*");

  const shrink = (u, t) => Math.sign(u) * Math.max(Math.abs(u) - t, 0) + 0; // + 0: nada de −0

  function solve([a, b], rho, lambda, penalty) {
    if (penalty === "l2") { // (H + λI)ŵ = H w*
      const d = 1 + lambda, p = a + rho * b, q = rho * a + b, det = d * d - rho * rho;
      return [(d * p - rho * q) / det, (d * q - rho * p) / det];
    }
    let [v, w] = [0, 0]; // um peso de cada vez, com o limiar suave
    for (let i = 0; i < 300; i++) {
      v = shrink(a - rho * (w - b), lambda);
      w = shrink(b - rho * (v - a), lambda);
    }
    return [v, w];
  }

  // As posições de w* em que algum peso da solução é zero: faixas com a L1, duas retas com a L2.
  function zeros(rho, lambda, penalty) {
    if (penalty === "l2") {
      const c = 1 + lambda - rho * rho, s = rho * lambda;
      const ray = ([a, b]) => { const n = FAR / Math.hypot(a, b); return [[-a * n, -b * n], [a * n, b * n]]; };
      return [ray([-s, c]), ray([c, -s])];
    }
    const near = lambda / (1 + rho), far = lambda / (1 - rho);
    const strip = [[-far, FAR], [near, FAR], [near, near], [-far, far]]; // ŵ₁ = 0, acima
    const flip = (points) => points.map(([a, b]) => [-a, -b]), swap = (points) => points.map(([a, b]) => [b, a]);
    return [strip, flip(strip), swap(strip), flip(swap(strip)), [[near, near], [-far, far], [-near, -near], [far, -far]]];
  }

  function draw() {
    const target = [first.value, second.value], rho = tilt.value, lambda = strength.value, kind = penalty.value;
    const [v, w] = solve(target, rho, lambda, kind);
    const loss = ([a, b]) => 0.5 * (a * a + 2 * rho * a * b + b * b);
    const touch = loss([v - target[0], w - target[1]]);

    zone.attr("fill-opacity", kind === "l1" ? 0.13 : 0).attr("stroke-opacity", kind === "l1" ? 0 : 0.8);
    zone.selectAll("path").data(zeros(rho, lambda, kind)).join("path").attr("d", screen).attr("stroke-dasharray", "6 4");

    const radius = kind === "l1" ? Math.abs(v) + Math.abs(w) : Math.hypot(v, w);
    const corners = kind === "l1" ? [0, 1, 2, 3].map((k) => (k * Math.PI) / 2) : d3.range(0, 2 * Math.PI, 0.05);
    ball.attr("d", screen(corners.map((t) => [radius * Math.cos(t), radius * Math.sin(t)])));

    const levels = [0.05, 0.2, 0.5, 1, 1.7, touch];
    rings.selectAll("ellipse").data(levels).join("ellipse")
      .attr("transform", `translate(${plot.x(target[0])},${plot.y(target[1])}) rotate(-45)`)
      .attr("rx", (c) => unit * Math.sqrt((2 * c) / (1 + rho))).attr("ry", (c) => unit * Math.sqrt((2 * c) / (1 - rho)))
      .attr("stroke-width", (_, i) => (i === 5 ? 2.5 : 1)).attr("stroke-opacity", (_, i) => (i === 5 ? 1 : 0.55));
    segment.attr("x1", plot.x(target[0])).attr("y1", plot.y(target[1])).attr("x2", plot.x(v)).attr("y2", plot.y(w));
    solution.attr("cx", plot.x(v)).attr("cy", plot.y(w));
    name.attr("x", plot.x(v) - 24).attr("y", plot.y(w) - 8);
    handle.attr("transform", `translate(${plot.x(target[0])},${plot.y(target[1])})`);

    const dead = [v === 0 && "w₁", w === 0 && "w₂"].filter(Boolean);
    const size = `${kind === "l1" ? "|w₁| + |w₂|" : "√(w₁² + w₂²)"} = ${course.number(radius)}`;
    const verdict = dead.length === 2 ? "Os dois pesos são exatamente zero."
      : dead.length ? `${kind === "l1" ? "A solução está na quina" : "A cruz está em uma das retas"}: ${dead[0]} é exatamente zero.`
      : lambda === 0 ? "Sem penalidade, a solução é o próprio w*." : "Os dois pesos são diferentes de zero.";
    stage.say(`ŵ = (${course.number(v)}; ${course.number(w)}). ${verdict} Raio da bola: ${size}.`);
  }

  const penalty = stage.choice({ label: "Penalidade", options: [["l1", "L1 (lasso)"], ["l2", "L2 (ridge)"]] }, draw);
  const strength = stage.slider({ label: "Força λ", min: 0, max: 1.5, step: 0.05, value: 0.8 }, draw);
  const first = stage.slider({ label: "w₁ da cruz w*", min: -2, max: 2, step: 0.05, value: 0.55 }, draw);
  const second = stage.slider({ label: "w₂ da cruz w*", min: -1.3, max: 2.3, step: 0.05, value: 1.5 }, draw);
  const tilt = stage.slider({ label: "Correlação ρ", min: -0.8, max: 0.8, step: 0.05, value: 0.45 }, draw);

  handle.call(d3.drag().on("drag", () => {
    const [px, py] = d3.mouse(plot.body.node());
    const snap = (value, [low, high]) => Math.round(Math.min(Math.max(value, low), high) * 20) / 20;
    first.set(snap(plot.x.invert(px), [-2, 2]));
    second.set(snap(plot.y.invert(py), [-1.3, 2.3]));
    draw();
  }));
  draw();
});
