// A rede de um neurônio a dois e a um como grafo de contas: a ida e a volta, um nó de cada vez.
course.interactive("ida_e_volta", (stage) => {
  const WIDTH = 364, HEIGHT = 552, BOX = { width: 86, height: 48 }, ROW = 96;
  const places = {
    x: [182, 0], w1: [45, 0], w2: [319, 0], z1: [136, 1], z2: [228, 1], h1: [136, 2], h2: [228, 2],
    v1: [45, 2], v2: [319, 2], p1: [136, 3], p2: [228, 3], y: [182, 4], t: [319, 4], L: [182, 5],
  };
  const names = Object.keys(places);
  // Cada flecha: de onde sai, aonde chega e a inclinação local, que depende dos valores da ida.
  const edges = [
    ["w1", "z1", (v) => v.x], ["x", "z1", (v) => v.w1], ["x", "z2", (v) => v.w2], ["w2", "z2", (v) => v.x],
    ["z1", "h1", (v) => Number(v.z1 > 0)], ["z2", "h2", (v) => Number(v.z2 > 0)],
    ["v1", "p1", (v) => v.h1], ["h1", "p1", (v) => v.v1], ["h2", "p2", (v) => v.v2], ["v2", "p2", (v) => v.h2],
    ["p1", "y", () => 1], ["p2", "y", () => 1], ["y", "L", (v) => v.y - v.t], ["t", "L", (v) => v.t - v.y],
  ].map(([from, to, slope]) => ({ from, to, slope }));
  // A ida, na ordem: o valor de cada nó, a conta em símbolos e a conta em números.
  const forward = [
    ["z1", (v) => v.w1 * v.x, "w₁ · x", (v) => `${show(v.w1)} · ${inside(v.x)}`],
    ["z2", (v) => v.w2 * v.x, "w₂ · x", (v) => `${show(v.w2)} · ${inside(v.x)}`],
    ["h1", (v) => Math.max(v.z1, 0), "ReLU(z₁)", (v) => `max(${show(v.z1)}; 0)`],
    ["h2", (v) => Math.max(v.z2, 0), "ReLU(z₂)", (v) => `max(${show(v.z2)}; 0)`],
    ["p1", (v) => v.v1 * v.h1, "v₁ · h₁", (v) => `${show(v.v1)} · ${inside(v.h1)}`],
    ["p2", (v) => v.v2 * v.h2, "v₂ · h₂", (v) => `${show(v.v2)} · ${inside(v.h2)}`],
    ["y", (v) => v.p1 + v.p2, "p₁ + p₂", (v) => `${show(v.p1)} + ${inside(v.p2)}`],
    ["L", (v) => (v.y - v.t) ** 2 / 2, "½ (y − t)²", (v) => `½ (${show(v.y)} − ${inside(v.t)})²`],
  ].map(([name, compute, symbols, figures]) => ({ name, compute, symbols, figures }));
  // A volta: nenhum nó vem antes de quem o usa.
  const backward = ["L", "y", "t", "p1", "p2", "v1", "h1", "v2", "h2", "z1", "z2", "w1", "w2", "x"];
  const END = forward.length + backward.length;

  const symbol = (name) => name.replace("1", "₁").replace("2", "₂");
  const barred = (name) => symbol(`${name[0]}\u0304${name.slice(1)}`);
  // Até três casas, sem zeros à direita; nunca «−0».
  const show = (value) => {
    const rounded = Math.round(1000 * value) / 1000 || 0;
    return rounded.toLocaleString("pt-BR", { maximumFractionDigits: 3 }).replace("-", "−");
  };
  const inside = (value) => (value < 0 ? `(${show(value)})` : show(value));

  const inputs = course.data("dados-ida_e_volta");
  let done = END + 1; // quantos passos já foram dados; END + 1, ao abrir, é tudo pronto, como na figura da página

  const svg = stage.svg(WIDTH, HEIGHT).style("max-width", "26rem");
  svg.append("defs").append("marker").attr("id", "ponta-ida-e-volta").attr("viewBox", "0 0 8 8").attr("refX", 7).attr("refY", 4)
    .attr("markerUnits", "userSpaceOnUse").attr("markerWidth", 9).attr("markerHeight", 9).attr("orient", "auto")
    .append("path").attr("d", "M0,0L8,4L0,8Z").attr("fill", course.colors.muted);
  const top = (name) => 4 + places[name][1] * ROW;
  const arrow = svg.selectAll("g.arrow").data(edges).join("g").attr("class", "arrow");
  const ends = ({ from, to }) => ({ x1: places[from][0], y1: top(from) + BOX.height, x2: places[to][0], y2: top(to) });
  const line = arrow.append("line").attr("marker-end", "url(#ponta-ida-e-volta)");
  for (const end of ["x1", "y1", "x2", "y2"]) line.attr(end, (edge) => ends(edge)[end]);
  // Os números de uma flecha ficam sobre ela, perto de quem não tem vizinha, ou ao lado se ela é vertical.
  const vertical = ({ from, to }) => places[from][0] === places[to][0];
  const along = (edge, start, end) => ends(edge)[start] + (edge.from === "x" ? 0.58 : 0.42) * (ends(edge)[end] - ends(edge)[start]);
  const side = (edge) => (!vertical(edge) ? 0 : (edge.from[0] === "h") === (places[edge.from][0] <= WIDTH / 2) ? 1 : -1);
  const label = (line, color) => arrow.append("text").attr("text-anchor", (edge) => ["end", "middle", "start"][side(edge) + 1])
    .attr("x", (edge) => along(edge, "x1", "x2") + 7 * side(edge)).attr("y", (edge) => along(edge, "y1", "y2") + line)
    .style("fill", color).style("font-size", "12px").style("paint-order", "stroke")
    .style("stroke", "var(--pst-color-background)").style("stroke-width", "5px");
  const slopeText = label(-2, course.colors.text);
  const partText = label(13, course.colors.orange).style("font-weight", 700);

  const box = svg.selectAll("g.node").data(names).join("g").attr("class", "node")
    .attr("transform", (name) => `translate(${places[name][0]},${top(name)})`);
  const frame = box.append("rect").attr("x", -BOX.width / 2).attr("width", BOX.width).attr("height", BOX.height).attr("rx", 6)
    .style("fill", "var(--pst-color-background)");
  const valueText = box.append("text").attr("text-anchor", "middle").attr("y", 20);
  const gradText = box.append("text").attr("text-anchor", "middle").attr("y", 39)
    .style("fill", course.colors.orange).style("font-weight", 700);

  const write = (selection, text) => selection.text(text)
    .style("font-size", function () { return this.textContent.length > 12 ? "11px" : "13px"; });

  function compute() {
    const values = Object.fromEntries(Object.entries(sliders).map(([name, slider]) => [name, slider.value]));
    for (const node of forward) values[node.name] = node.compute(values);
    const grads = {};
    for (const name of backward) {
      grads[name] = name === "L" ? 1 : d3.sum(edges.filter((edge) => edge.from === name), (edge) => edge.slope(values) * grads[edge.to]);
    }
    return { values, grads };
  }

  function render() {
    const { values, grads } = compute();
    const there = Math.min(done, forward.length), back = Math.min(Math.max(done - forward.length, 0), backward.length);
    const known = new Set([...Object.keys(sliders), ...forward.slice(0, there).map((node) => node.name)]);
    const answered = new Set(backward.slice(0, back));
    const now = done === 0 || done > END ? null : back ? backward[back - 1] : forward[there - 1].name;
    const active = (edge) => (back ? edge.from : edge.to) === now;
    const color = back ? course.colors.orange : course.colors.blue;

    frame.attr("stroke", (name) => (name === now ? color : course.colors.muted)).attr("stroke-width", (name) => (name === now ? 3 : 1))
      .attr("stroke-dasharray", (name) => (known.has(name) ? null : "4 3"));
    write(valueText, (name) => (known.has(name) ? `${symbol(name)} = ${show(values[name])}` : symbol(name)));
    write(gradText, (name) => (answered.has(name) ? `${barred(name)} = ${show(grads[name])}` : ""));
    line.attr("stroke", (edge) => (active(edge) ? color : course.colors.muted)).attr("stroke-width", (edge) => (active(edge) ? 3 : 1));
    slopeText.text((edge) => (known.has(edge.to) ? show(edge.slope(values)) : ""));
    partText.text((edge) => (answered.has(edge.from) ? show(edge.slope(values) * grads[edge.to]) : ""));
    stage.say(sentence(values, grads, there, back));
  }

  // A conta do passo, por extenso.
  function sentence(values, grads, there, back) {
    if (done === 0) return "Só as entradas são conhecidas. Dê um passo.";
    if (done > END) {
      return `Ida e volta completas: L = ${show(values.L)}, e os gradientes de w₁, w₂, v₁, v₂ e x são ` +
        `${["w1", "w2", "v1", "v2", "x"].map((name) => show(grads[name])).join("; ")}. ` +
        "Em cada flecha, a inclinação local e, em laranja, a parcela que sobe por ela. “Um passo” começa do zero.";
    }
    if (!back) {
      const node = forward[there - 1];
      const noted = edges.filter((edge) => edge.to === node.name).map((edge) => `${show(edge.slope(values))} em ${symbol(edge.from)}`);
      return `Ida, passo ${there} de ${forward.length}: ${symbol(node.name)} = ${node.symbols} = ${node.figures(values)} = ` +
        `${show(values[node.name])}. Inclinação local: ${noted.join(" e ")}.`;
    }
    const name = backward[back - 1];
    const place = `Volta, passo ${back} de ${backward.length}: o gradiente de ${symbol(name)} é `;
    if (name === "L") return `${place}1, porque a derivada da perda em relação a ela mesma é 1.`;
    const uses = edges.filter((edge) => edge.from === name);
    const products = uses.map((edge, i) => `${(i ? inside : show)(grads[edge.to])} · ${inside(edge.slope(values))}`);
    const result = `${products.join(" + ")} = ${show(grads[name])}`;
    return uses.length === 1
      ? `${place}o de ${symbol(uses[0].to)} vezes a inclinação da flecha: ${result}.`
      : `${place}a soma de duas parcelas, uma por uso, ${uses.map((edge) => symbol(edge.to)).join(" e ")}: ${result}. Fim da volta.`;
  }

  function step() {
    done = done >= END ? 1 : done + 1;
    render();
    return done < END;
  }

  const animation = stage.player({ step, reset: () => { done = 0; render(); }, milliseconds: 1200 });
  stage.button("Um passo para trás", () => { animation.stop(); done = Math.max(done - 1, 0); render(); });
  stage.controls = stage.root.append("div").attr("class", "stage-controls"); // as entradas, abaixo da conta do passo
  const sliders = {};
  for (const [name, limit] of Object.entries({ x: 2, w1: 2, w2: 2, v1: 3, v2: 3, t: 3 })) {
    sliders[name] = stage.slider(
      { label: symbol(name), min: -limit, max: limit, step: 0.5, value: inputs[name], format: show }, render,
    );
  }
  render();
});
