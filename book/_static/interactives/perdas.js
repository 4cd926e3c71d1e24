// Três logits, uma classe certa: as probabilidades, o alvo e a força com que cada perda puxa cada logit.
course.interactive("perdas", (stage) => {
  const NAMES = ["A", "B", "C"], CLASSES = [0, 1, 2], START = [-3, 4, 0], LIMIT = 10, RATE = 0.5;
  const LOSSES = [
    { key: "ce", name: "entropia cruzada", color: course.colors.green, shift: -0.2 },
    { key: "mse", name: "MSE", color: course.colors.blue, shift: 0.2 },
  ];
  let z = [...START], steps = 0;

  const target = () => CLASSES.map((k) => epsilon.value / 3 + (k === Number(right.value) ? 1 - epsilon.value : 0));

  function evaluate() {
    const t = target(), top = d3.max(z), powers = z.map((v) => Math.exp(v - top)), total = d3.sum(powers);
    const p = powers.map((v) => v / total);
    const logP = z.map((v) => v - top - Math.log(total));
    const mean = d3.sum(CLASSES, (k) => p[k] * (p[k] - t[k]));
    return {
      t, p,
      loss: { ce: -d3.sum(CLASSES, (k) => t[k] * logP[k]), mse: d3.sum(CLASSES, (k) => (p[k] - t[k]) ** 2) },
      force: { ce: CLASSES.map((k) => t[k] - p[k]), mse: CLASSES.map((k) => -2 * p[k] * (p[k] - t[k] - mean)) },
    };
  }

  const chart = (y, yLabel, height, label) => {
    const plot = stage.plot({ x: [-0.6, 2.6], y, yLabel, height, ticks: 5, label });
    plot.ticks = plot.svg.select(".axis");
    return plot;
  };
  const legend = (plot, items) => {
    items.forEach(({ text, color, dashed }, i) => {
      const row = plot.svg.append("g").attr("transform", `translate(${110 + 220 * i},12)`);
      row.append("rect").attr("width", 16).attr("height", 12).attr("fill", dashed ? "none" : color)
        .attr("stroke", dashed ? course.colors.text : "none").attr("stroke-dasharray", "4 3");
      row.append("text").attr("x", 22).attr("y", 11).text(text);
    });
  };
  const top = chart([0, 1.4], "probabilidade", 230, "Barras com a probabilidade de cada classe e, em contorno tracejado, o alvo.");
  const bottom = chart([-1.5, 1.7], "força sobre o logit", 260, "Barras com a força de cada perda sobre cada logit, para cima ou para baixo.");
  legend(top, [{ text: "probabilidade p", color: course.colors.muted }, { text: "alvo t", dashed: true }]);
  legend(bottom, LOSSES.map(({ name, color }) => ({ text: name, color })));
  bottom.body.append("line").attr("x1", 0).attr("x2", 550).attr("y1", bottom.y(0)).attr("y2", bottom.y(0)).attr("stroke", course.colors.muted);

  const bar = (plot, group, values, center, width, style) =>
    group.selectAll("rect").data(values).join("rect").attr("x", (_, k) => plot.x(k + center - width / 2))
      .attr("width", plot.x(width) - plot.x(0)).attr("y", (v) => plot.y(Math.max(v, 0)))
      .attr("height", (v) => Math.abs(plot.y(v) - plot.y(0))).call(style);
  const mark = (plot, group, values, center, write) =>
    group.selectAll("text").data(values).join("text").attr("text-anchor", "middle").attr("x", (_, k) => plot.x(k + center))
      .attr("y", (v) => plot.y(v) + (v < 0 ? 17 : -6)).text(write);
  const layers = { p: top.body.append("g"), t: top.body.append("g") };
  for (const { key } of LOSSES) layers[key] = bottom.body.append("g");

  const signed = (v) => (v >= 0 ? "+" : "") + course.number(Math.abs(v) < 0.005 ? 0 : v);

  function draw() {
    const { t, p, loss, force } = evaluate();
    const y = Number(right.value);
    for (const plot of [top, bottom])
      plot.ticks.call(d3.axisBottom(plot.x).tickValues(CLASSES).tickFormat((k) => NAMES[k] + (k === y ? " (certa)" : "")));
    bar(top, layers.p, p, 0, 0.5, (bars) => bars.attr("fill", course.colors.muted));
    mark(top, layers.p, p, 0, (v) => course.number(v, 3));
    bar(top, layers.t, t, 0, 0.66, (bars) => bars.attr("fill", "none").attr("stroke", course.colors.text).attr("stroke-dasharray", "5 4"));
    for (const { key, color, shift } of LOSSES) {
      bar(bottom, layers[key], force[key], shift, 0.34, (bars) => bars.attr("fill", color));
      mark(bottom, layers[key], force[key], shift, signed);
    }
    const sentence = ({ key, name }) => `${name}: perda ${course.number(loss[key])}, força ${signed(force[key][y])}`;
    stage.say(
      `${steps ? `${steps} ${steps === 1 ? "passo" : "passos"}. ` : ""}Na classe certa, p = ${course.number(p[y], 3)}. ` +
      `Nela, ${LOSSES.map(sentence).join("; ")}.`,
    );
  }

  function show() {
    sliders.forEach((slider, k) => slider.set(z[k]));
    draw();
  }
  function changed() {
    animation.stop();
    steps = 0;
    z = sliders.map((slider) => slider.value);
    draw();
  }
  function descend() {
    const { p, t, force } = evaluate();
    if (steps >= 300 || d3.max(CLASSES, (k) => Math.abs(p[k] - t[k])) < 0.05) return false;
    z = z.map((v, k) => Math.max(-LIMIT, Math.min(LIMIT, v + RATE * force[trained.value][k])));
    steps += 1;
    show();
  }
  function reset() { z = [...START]; steps = 0; show(); }

  const sliders = NAMES.map((name, k) =>
    stage.slider({ label: `Logit de ${name}`, min: -LIMIT, max: LIMIT, step: 0.01, value: START[k] }, changed));
  const epsilon = stage.slider({ label: "Suavização ε", min: 0, max: 0.5, step: 0.05, value: 0 }, changed);
  const right = stage.choice({ label: "Classe certa", options: NAMES.map((name, k) => [String(k), name]) }, changed);
  const trained = stage.choice({ label: "Descer com", options: LOSSES.map(({ key, name }) => [key, name]) }, changed);
  const animation = stage.player({ step: descend, reset, milliseconds: 60 });
  stage.button("Somar 1 a todos", () => {
    animation.stop();
    if (d3.max(z) + 1 <= LIMIT) z = z.map((v) => v + 1);
    show();
  });
  draw();
});
