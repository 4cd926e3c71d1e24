// A normalização em lote de um atributo: o lote antes, e depois com as estatísticas dele (treino) e com as móveis (avaliação).
course.interactive("lote", (stage) => {
  const EPS = 1e-5, MOMENTUM = 0.1, RANGE = [-8, 12], BINS = 80;
  const normal = d3.randomNormal.source(course.random(1))();
  let noise, running, steps;

  const panel = (xLabel, label) => stage.plot({ x: RANGE, y: [0, 1], xLabel, yLabel: "fração do lote", height: 220, ticks: 4, label });
  const before = panel("entrada x", "Histograma do lote antes da normalização, com a média do lote e a média móvel.");
  const after = panel("saída γ x̂ + β", "Histograma do lote depois da normalização, no treino e na avaliação.");

  // Um histograma em degraus, os exemplos em tracinhos e uma linha na média; `dash` o distingue também sem cor.
  function layer(plot, color, dash) {
    const outline = plot.body.append("path").attr("fill", "none").attr("stroke", color).attr("stroke-width", 2).attr("stroke-dasharray", dash);
    const center = plot.body.append("line").attr("stroke", color).attr("stroke-width", 1.5).attr("stroke-dasharray", dash);
    return { plot, outline, center, color };
  }
  const entry = layer(before, course.colors.text, null);
  const movingMean = before.body.append("line").attr("stroke", course.colors.blue).attr("stroke-width", 1.5).attr("stroke-dasharray", "6 4");
  const evaluation = layer(after, course.colors.blue, "6 4");
  const training = layer(after, course.colors.orange, null);
  const rugs = [before, after].map((plot) => plot.body.append("g").attr("stroke", course.colors.muted));

  function legend(plot, rows) {
    rows.forEach(([text, color, dash], k) => {
      const row = plot.svg.append("g").attr("transform", `translate(375,${24 + 24 * k})`);
      row.append("line").attr("x2", 26).attr("stroke", color).attr("stroke-width", 2).attr("stroke-dasharray", dash);
      row.append("text").attr("class", "axis-label").attr("x", 32).attr("y", 5).text(text);
    });
  }
  legend(before, [["lote", course.colors.text, null], ["média móvel", course.colors.blue, "6 4"]]);
  legend(after, [["treino", course.colors.orange, null], ["avaliação", course.colors.blue, "6 4"]]);

  const bins = (values) => d3.histogram().domain(RANGE).thresholds(d3.range(RANGE[0], RANGE[1], (RANGE[1] - RANGE[0]) / BINS))(values);
  const moments = (values) => {
    const mean = d3.mean(values), variance = d3.mean(values, (v) => (v - mean) ** 2);
    return { mean, variance, deviation: Math.sqrt(variance), skewness: variance ? d3.mean(values, (v) => (v - mean) ** 3) / variance ** 1.5 : 0 };
  };

  // Uma log-normal com a média e a dispersão pedidas, como na célula da página; a = 0 é a normal.
  function batch() {
    const a = asymmetry.value;
    const unit = (z) => (a ? (Math.exp(a * z - (a * a) / 2) - 1) / Math.sqrt(Math.expm1(a * a)) : z);
    return noise.slice(0, 2 ** size.value).map((z) => mean.value + deviation.value * unit(z));
  }
  const normalized = (values, center, variance) => values.map((v) => (gamma.value * (v - center)) / Math.sqrt(variance + EPS) + beta.value);

  function drawLayer({ plot, outline, center }, values, top) {
    const corners = bins(values).flatMap((bin) => [[bin.x0, bin.length], [bin.x1, bin.length]]);
    outline.attr("d", d3.line().x((d) => plot.x(d[0])).y((d) => plot.y(Math.min(d[1] / values.length, top)))(corners));
    vertical(center, plot, d3.mean(values));
  }
  const vertical = (line, plot, value) =>
    line.attr("x1", plot.x(value)).attr("x2", plot.x(value)).attr("y1", plot.y.range()[0]).attr("y2", plot.y.range()[1]);
  const tallest = (...sets) => Math.max(0.05, ...sets.map((values) => d3.max(bins(values), (bin) => bin.length) / values.length));
  function drawRug(group, plot, values) {
    const bottom = plot.y.range()[0];
    group.selectAll("line").data(values).join("line").attr("x1", plot.x).attr("x2", plot.x).attr("y1", bottom).attr("y2", bottom - 7);
  }

  function draw() {
    const x = batch(), seen = moments(x);
    const trained = normalized(x, seen.mean, seen.variance), evaluated = normalized(x, running.mean, running.variance);
    const tops = [tallest(x), tallest(trained, evaluated)];
    [before, after].forEach((plot, k) => { plot.y.domain([0, 1.1 * tops[k]]); plot.axes(); });
    drawLayer(entry, x, 1);
    drawLayer(evaluation, evaluated, 1);
    drawLayer(training, trained, 1);
    vertical(movingMean, before, running.mean);
    drawRug(rugs[0], before, x);
    drawRug(rugs[1], after, trained);
    const out = moments(trained), other = moments(evaluated);
    const show = (value) => course.number(Math.abs(value) < 0.005 ? 0 : value); // sem «−0,00»
    stage.say(
      `Lote de ${x.length}: média ${show(seen.mean)}, desvio ${show(seen.deviation)}, assimetria ${show(seen.skewness)}. ` +
      `Depois de ${steps} ${steps === 1 ? "lote" : "lotes"}, móveis: média ${show(running.mean)}, desvio ${show(Math.sqrt(running.variance))}. ` +
      `Saída no treino: média ${show(out.mean)}, desvio ${show(out.deviation)}, assimetria ${show(out.skewness)}; ` +
      `na avaliação: média ${show(other.mean)}, desvio ${show(other.deviation)}.`,
    );
  }

  // Um passo de treino: outro lote, e as móveis andam um décimo do caminho até ele (a variância, com a não viesada).
  function step() {
    noise = d3.range(256).map(normal);
    const { mean, variance } = moments(batch()), n = 2 ** size.value;
    running.mean += MOMENTUM * (mean - running.mean);
    running.variance += MOMENTUM * ((variance * n) / (n - 1) - running.variance);
    steps += 1;
    draw();
  }
  function reset() {
    running = { mean: 0, variance: 1 };
    steps = 0;
    step();
  }

  const slider = (label, min, max, by, value, format) => stage.slider({ label, min, max, step: by, value, format }, draw);
  const mean = slider("Média de x", -4, 8, 0.5, 4);
  const deviation = slider("Dispersão de x", 0.25, 4, 0.25, 2);
  const asymmetry = slider("Assimetria de x", 0, 1, 0.1, 0.5);
  const gamma = slider("Largura γ", -3, 3, 0.25, 1.5);
  const beta = slider("Centro β", -4, 4, 0.5, -1);
  const size = slider("Lote N", 1, 8, 1, 8, (v) => String(2 ** v));
  stage.player({ step, reset });
  reset();
});
