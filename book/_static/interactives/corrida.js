// Seis otimizadores descem a mesma superfície. Os caminhos se refazem, com o mesmo número de passos, a cada controle que muda.
course.interactive("corrida", (stage) => {
  const LAST = 300;
  const { blue, green, orange, text, muted } = course.colors;
  const short = d3.format(",.2~r");
  const height = (loss) => course.number(loss, loss < 10 ? 3 : 1);

  const SURFACES = {
    vale: {
      x: [-6, 6], y: [-1.6, 1.6], start: [-5, 1], minima: [[0, 0]],
      loss: ([x, y]) => (x * x + 100 * y * y) / 2,
      gradient: ([x, y]) => [x, 100 * y],
    },
    sela: {
      x: [-2.4, 2.4], y: [-1.8, 1.8], start: [1.8, 0.01], minima: [[0, -1], [0, 1]],
      loss: ([x, y]) => x ** 2 / 2 - y ** 2 / 2 + y ** 4 / 4 + 0.25,
      gradient: ([x, y]) => [x, y ** 3 - y],
    },
    Rosenbrock: {
      x: [-1.8, 1.8], y: [-0.8, 2.4], start: [-1.2, 1], minima: [[1, 1]],
      loss: ([x, y]) => (1 - x) ** 2 + 10 * (y - x * x) ** 2,
      gradient: ([x, y]) => [2 * (x - 1) - 40 * x * (y - x * x), 20 * (y - x * x)],
    },
  };

  // Como na página: cada regra recebe o gradiente de uma coordenada e a memória dela, e devolve o deslocamento.
  const RACERS = [
    { name: "SGD", color: text, dash: "", symbol: d3.symbolCircle, rule: (g, s, lr) => -lr * g },
    {
      name: "momentum", color: blue, dash: "", symbol: d3.symbolSquare,
      rule: (g, s, lr, mu) => { s.v = mu * (s.v || 0) + g; return -lr * s.v; },
    },
    {
      name: "Nesterov", color: blue, dash: "6 4", symbol: d3.symbolDiamond,
      rule: (g, s, lr, mu) => { s.v = mu * (s.v || 0) + g; return -lr * (g + mu * s.v); },
    },
    {
      name: "Adagrad", color: green, dash: "", symbol: d3.symbolTriangle,
      rule: (g, s, lr) => { s.G = (s.G || 0) + g * g; return (-lr * g) / (Math.sqrt(s.G) + 1e-10); },
    },
    {
      name: "RMSprop", color: green, dash: "2 4", symbol: d3.symbolWye,
      rule: (g, s, lr) => { s.s = 0.99 * (s.s || 0) + 0.01 * g * g; return (-lr * g) / (Math.sqrt(s.s) + 1e-8); },
    },
    {
      name: "Adam", color: orange, dash: "", symbol: d3.symbolCross,
      rule: (g, s, lr) => {
        s.t = (s.t || 0) + 1;
        s.m = 0.9 * (s.m || 0) + 0.1 * g;
        s.v = 0.999 * (s.v || 0) + 0.001 * g * g;
        return (-lr * (s.m / (1 - 0.9 ** s.t))) / (Math.sqrt(s.v / (1 - 0.999 ** s.t)) + 1e-8);
      },
    },
  ];

  const chosen = course.data("dados-corrida");
  let surface = SURFACES.vale, rates = { ...chosen.vale }, start = surface.start, steps = 60;

  const plot = stage.plot({
    x: surface.x, y: surface.y, xLabel: "x", yLabel: "y", height: 380,
    label: "Curvas de nível da superfície escolhida, com os caminhos dos seis otimizadores a partir do mesmo ponto; a tabela abaixo diz onde cada um está.",
  });
  plot.svg.style("cursor", "crosshair").on("click", () => move(d3.mouse(plot.svg.node())));
  const levels = plot.body.append("g").attr("fill", "none").attr("stroke", muted).attr("stroke-opacity", 0.45);
  const stars = plot.body.append("g").attr("fill", text);
  const trails = plot.body.append("g");
  const handle = plot.body.append("g").style("cursor", "grab")
    .call(d3.drag().on("start drag", () => move(d3.mouse(plot.svg.node()))));
  handle.append("circle").attr("r", 22).attr("fill", "transparent");
  handle.append("circle").attr("r", 9).attr("fill", "none").attr("stroke", text).attr("stroke-width", 2.5);

  const table = stage.canvas.append("table").style("width", "100%").style("font-size", "0.85em").style("margin", "0.3rem 0");
  table.append("thead").append("tr").selectAll("th").data(["otimizador", "taxa", "perda", "chegou*"]).join("th")
    .attr("scope", "col").style("text-align", (_, i) => (i ? "right" : "left")).style("padding", "0.1rem 0").text((d) => d);
  const rows = table.append("tbody").selectAll("tr").data(RACERS).join("tr");
  const names = rows.append("th").attr("scope", "row").style("text-align", "left").style("white-space", "nowrap");
  const swatch = names.append("svg").attr("viewBox", "0 0 34 16").attr("aria-hidden", "true")
    .style("display", "inline-block").style("width", "34px").style("margin", "0 0.3rem 0 0").style("vertical-align", "middle");
  swatch.append("line").attr("x2", 34).attr("y1", 8).attr("y2", 8).attr("stroke", (d) => d.color)
    .attr("stroke-dasharray", (d) => d.dash).attr("stroke-width", 2);
  swatch.append("path").attr("transform", "translate(17,8)").attr("fill", (d) => d.color).attr("d", (d) => d3.symbol().type(d.symbol).size(75)());
  names.append("span").text((d) => d.name);
  names.style("font-weight", "normal").style("padding", "0.1rem 0");
  const cells = ["rate", "loss", "arrival"].map(() => rows.append("td").style("text-align", "right").style("padding", "0.1rem 0 0.1rem 0.3rem"));
  stage.canvas.append("p").style("font-size", "0.85em").style("margin", "0").text("* passo em que a perda ficou abaixo de um milésimo da inicial");

  function descend(racer) {
    let point = start;
    const path = [point], memories = [{}, {}];
    while (path.length <= steps && point.every((v) => Math.abs(v) < 1e6)) {
      const gradient = surface.gradient(point);
      point = point.map((v, i) => v + racer.rule(gradient[i], memories[i], rates[racer.name], momentum.value));
      path.push(point);
    }
    return path;
  }

  function draw() {
    const line = d3.line().x((p) => plot.x(p[0])).y((p) => plot.y(p[1]));
    const target = surface.loss(start) / 1000;
    const runs = RACERS.map((racer) => {
      const path = descend(racer), losses = path.map(surface.loss);
      const arrival = losses.length - d3.scan(losses.map((v) => (v <= target ? 0 : 1)).reverse(), (a, b) => b - a);
      return {
        racer, path, loss: losses[losses.length - 1], lost: path.length <= steps,
        arrival: losses[losses.length - 1] <= target ? arrival : null, focused: racer.name === focus.value,
      };
    });
    const every = Math.max(4, Math.ceil(steps / 12));
    const trail = trails.selectAll("g.trail").data(runs).join("g").attr("class", "trail").attr("fill", (d) => d.racer.color)
      .attr("stroke", (d) => d.racer.color).attr("opacity", (d) => (d.focused ? 1 : 0.85));
    trail.selectAll("path.line").data((d) => [d]).join("path").attr("class", "line").attr("fill", "none")
      .attr("d", (d) => line(d.path.filter((p) => p.every((v) => Math.abs(v) < 1e3)))).attr("stroke-dasharray", (d) => d.racer.dash)
      .attr("stroke-width", (d) => (d.focused ? 3 : 1.5));
    trail.selectAll("path.mark")
      .data((d) => d.path.map((p, i) => ({ ...d, p, head: i === d.path.length - 1, i })).filter((m) => m.head || m.i % every === 0))
      .join("path").attr("class", "mark").attr("stroke", "none")
      .attr("transform", (m) => `translate(${plot.x(m.p[0])},${plot.y(m.p[1])})`)
      .attr("d", (m) => d3.symbol().type(m.racer.symbol).size(m.head ? 110 : 34)());
    handle.attr("transform", `translate(${plot.x(start[0])},${plot.y(start[1])})`);

    rows.data(runs).style("background", (d) => (d.focused ? "var(--pst-color-surface)" : "none"));
    cells[0].data(runs).text((d) => short(rates[d.racer.name]));
    cells[1].data(runs).text((d) => (d.lost ? "divergiu" : height(d.loss)));
    cells[2].data(runs).text((d) => (d.arrival === null ? "—" : d.arrival));
    const run = runs.find((d) => d.focused), there = runs.filter((d) => d.arrival !== null).map((d) => d.racer.name);
    stage.say(
      `Passo ${steps}, perda inicial ${height(surface.loss(start))}. Em foco, ${run.racer.name}, com taxa ${short(rates[run.racer.name])}: ` +
      (run.lost ? "divergiu. " : `perda ${height(run.loss)}. `) +
      (there.length ? `Já abaixo de um milésimo da inicial: ${there.join(", ")}.` : "Nenhum chegou ainda a um milésimo da inicial."),
    );
  }

  function contours() {
    const size = [110, 80];
    const at = (i, j) => [
      surface.x[0] + (i / (size[0] - 1)) * (surface.x[1] - surface.x[0]),
      surface.y[0] + (j / (size[1] - 1)) * (surface.y[1] - surface.y[0]),
    ];
    const heights = d3.range(size[0] * size[1]).map((k) => surface.loss(at(k % size[0], Math.floor(k / size[0]))));
    const top = d3.max(heights), thresholds = d3.range(12).map((k) => top * 0.0008 ** (1 - k / 11.5));
    const project = d3.geoTransform({
      point(i, j) { const [x, y] = at(i - 0.5, j - 0.5); this.stream.point(plot.x(x), plot.y(y)); },
    });
    levels.selectAll("path").data(d3.contours().size(size).thresholds(thresholds)(heights)).join("path").attr("d", d3.geoPath(project));
    stars.selectAll("path").data(surface.minima).join("path").attr("d", d3.symbol().type(d3.symbolStar).size(190)())
      .attr("transform", ([x, y]) => `translate(${plot.x(x)},${plot.y(y)})`);
  }

  const within = (value, [low, high]) => Math.min(high, Math.max(low, value));
  const fraction = (axis) => (start[axis] - surface["xy"[axis]][0]) / (surface["xy"[axis]][1] - surface["xy"[axis]][0]);
  const coordinate = (axis, f) => surface["xy"[axis]][0] + f * (surface["xy"[axis]][1] - surface["xy"[axis]][0]);
  function move([px, py]) {
    start = [within(plot.x.invert(px), surface.x), within(plot.y.invert(py), surface.y)];
    sides.forEach((side, axis) => side.set(fraction(axis)));
    draw();
  }
  function change(key) {
    animation.stop();
    surface = SURFACES[key];
    rates = { ...chosen[key] };
    start = surface.start;
    plot.x.domain(surface.x);
    plot.y.domain(surface.y);
    plot.axes();
    rate.set(Math.log10(rates[focus.value]));
    sides.forEach((side, axis) => side.set(fraction(axis)));
    contours();
    draw();
  }

  stage.choice({ label: "Superfície", options: Object.keys(SURFACES).map((key) => [key, key]) }, change);
  const focus = stage.choice({ label: "Otimizador em foco", options: RACERS.map(({ name }) => [name, name]), value: "momentum" }, (name) => {
    rate.set(Math.log10(rates[name]));
    draw();
  });
  const rate = stage.slider(
    { label: "Taxa de aprendizado dele", min: -4, max: 1, step: 0.02, value: Math.log10(rates[focus.value]), format: (v) => short(10 ** v) },
    (v) => { rates[focus.value] = 10 ** v; draw(); },
  );
  const momentum = stage.slider({ label: "μ do momentum e do Nesterov", min: 0, max: 1, step: 0.01, value: 0.9 }, draw);
  const sides = [0, 1].map((axis) => stage.slider(
    {
      label: `Partida em ${"xy"[axis]}`, min: 0, max: 1, step: 0.001, value: fraction(axis),
      format: (f) => course.number(coordinate(axis, f)),
    },
    (f) => { start = start.map((v, i) => (i === axis ? coordinate(axis, f) : v)); draw(); },
  ));
  const animation = stage.player({
    step: () => { steps = Math.min(steps + 1, LAST); draw(); return steps < LAST; },
    reset: () => { steps = 0; draw(); },
    milliseconds: 90,
  });
  contours();
  draw();
});
