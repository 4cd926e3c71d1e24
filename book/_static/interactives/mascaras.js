// Uma camada de dropout: cada linha é um exemplo do lote, cada coluna um neurônio; a soma que chega adiante é z.
course.interactive("mascaras", (stage) => {
  const EXAMPLES = 8, NEURONS = 12, SIZE = 34, HISTORY = 400;
  const draw = course.random(1);
  const activations = d3.range(EXAMPLES).map(() => d3.range(NEURONS).map(() => 0.2 + 0.8 * draw()));
  const exact = activations.map((row) => d3.mean(row));
  let sums = []; // a média das ativações do primeiro exemplo, máscara a máscara

  const grid = stage.svg(550, 300);
  const cell = grid.selectAll("g").data(d3.cross(d3.range(EXAMPLES), d3.range(NEURONS))).join("g")
    .attr("transform", ([i, j]) => `translate(${20 + j * SIZE},${14 + i * SIZE})`);
  cell.append("rect").attr("width", SIZE - 4).attr("height", SIZE - 4).attr("rx", 4).attr("stroke", course.colors.muted);
  cell.append("path").attr("d", `M7,7L${SIZE - 11},${SIZE - 11}M${SIZE - 11},7L7,${SIZE - 11}`).attr("stroke", course.colors.muted);
  const mean = grid.selectAll("text.mean").data(exact).join("text").attr("class", "mean axis-label")
    .attr("x", 440).attr("y", (_, i) => 35 + i * SIZE);

  const plot = stage.plot({
    x: [0, 2], y: [0, 1], xLabel: "média das ativações do primeiro exemplo", yLabel: "frequência", height: 190,
    label: "Histograma das médias do primeiro exemplo nas máscaras já sorteadas; a linha tracejada é o valor sem dropout.",
  });
  plot.body.append("line").attr("x1", plot.x(exact[0])).attr("x2", plot.x(exact[0])).attr("y1", 0).attr("y2", 200)
    .attr("stroke", course.colors.text).attr("stroke-dasharray", "5 4");
  const bars = plot.body.append("g");

  function forward() {
    const p = rate.value;
    const scale = p < 1 ? 1 / (1 - p) : 0;
    const mask = activations.map((row) => row.map(() => (Math.random() < p ? 0 : scale)));
    const outputs = activations.map((row, i) => row.map((h, j) => h * mask[i][j]));
    cell.select("rect").attr("fill", ([i, j]) => (mask[i][j] ? d3.interpolateBlues(0.25 + outputs[i][j] / 3) : "none"));
    cell.select("path").attr("visibility", ([i, j]) => (mask[i][j] ? "hidden" : "visible"));
    mean.text((value, i) => `média ${course.number(d3.mean(outputs[i]))}`);
    sums = [...sums, d3.mean(outputs[0])].slice(-HISTORY);
    const bins = d3.histogram().domain([0, 2]).thresholds(40)(sums);
    bars.selectAll("rect").data(bins).join("rect").attr("fill", course.colors.blue)
      .attr("x", (bin) => plot.x(bin.x0) + 0.5).attr("width", (bin) => Math.max(0, plot.x(bin.x1) - plot.x(bin.x0) - 1))
      .attr("y", (bin) => plot.y(bin.length / sums.length)).attr("height", (bin) => plot.y(0) - plot.y(bin.length / sums.length));
    const kept = d3.sum(mask.flat(), (m) => (m ? 1 : 0));
    const spread = sums.length > 1 ? d3.deviation(sums) : 0;
    stage.say(
      `Ficaram ${kept} de ${EXAMPLES * NEURONS} ativações. No primeiro exemplo, em ${sums.length} ` +
      `${sums.length === 1 ? "máscara" : "máscaras"}: média ${course.number(d3.mean(sums))} e desvio ${course.number(spread)}; ` +
      `sem dropout, ${course.number(exact[0])}.`,
    );
  }
  function reset() { sums = []; forward(); }

  const rate = stage.slider({ label: "Probabilidade p de descartar", min: 0, max: 1, step: 0.05, value: 0.5 }, () => { animation.stop(); reset(); });
  const animation = stage.player({ step: forward, reset });
  reset();
});
