// A rede da página, podada no navegador: os pesos que ficam, a acurácia calculada agora e o ponto sobre as curvas da página.
course.interactive("esparsidade", (stage) => {
  const { scale, sizes, weights, biases, images, labels, hits } = course.data("dados-esparsidade");
  const codes = Int8Array.from(atob(weights), (letter) => letter.charCodeAt(0)); // as três camadas em fila
  const pixels = Float64Array.from(images, (letter) => parseInt(letter, 36) / 16);
  const count = codes.length;
  const layers = d3.range(sizes.length - 1).map((k) => ({
    rows: sizes[k], columns: sizes[k + 1], start: d3.sum(d3.range(k), (i) => sizes[i] * sizes[i + 1]),
  }));
  const CRITERIA = [["global", "magnitude, global", course.colors.blue, null], ["local", "magnitude, local", course.colors.orange, "7 4"], ["acaso", "ao acaso", course.colors.muted, "2 4"]];

  // As mesmas notas da página: módulos, ou o mesmo gerador congruente linear; em empate, vale a posição.
  let state = 2024;
  const chance = d3.range(count).map(() => (state = (Math.imul(1664525, state) + 1013904223) >>> 0));
  const sorted = (score, from, to) => d3.range(from, to).sort((a, b) => score(a) - score(b) || a - b);
  const magnitude = (i) => Math.abs(codes[i]);
  const queues = {
    global: [sorted(magnitude, 0, count)],
    local: layers.map(({ rows, columns, start }) => sorted(magnitude, start, start + rows * columns)),
    acaso: [sorted((i) => chance[i], 0, count)],
  };
  const maskOf = (name, percent) => {
    const mask = new Uint8Array(count).fill(1);
    for (const queue of queues[name]) for (const i of queue.slice(0, Math.round((percent * queue.length) / 100))) mask[i] = 0;
    return mask;
  };

  function correct(mask) {
    const inner = layers.map(({ rows, columns, start }) =>
      Float64Array.from({ length: rows * columns }, (_, i) => mask[start + i] * codes[start + i] * scale));
    let hit = 0;
    for (let n = 0; n < labels.length; n++) {
      let h = pixels.subarray(64 * n, 64 * (n + 1));
      layers.forEach(({ rows, columns }, k) => {
        const z = Float64Array.from(biases[k]);
        for (let i = 0; i < rows; i++) if (h[i] !== 0) for (let j = 0; j < columns; j++) z[j] += h[i] * inner[k][i * columns + j];
        h = k < layers.length - 1 ? z.map((v) => Math.max(v, 0)) : z;
      });
      hit += h.indexOf(d3.max(h)) === Number(labels[n]);
    }
    return hit;
  }

  const plot = stage.plot({
    x: [0, 100], y: [0, 100], xLabel: "esparsidade (%)", yLabel: "acurácia (%)", height: 300,
    label: "Acurácia contra esparsidade nos três critérios, com um ponto na escolha atual.",
  });
  const accuracyOf = (hit) => (100 * hit) / labels.length;
  const line = d3.line().x((_, percent) => plot.x(percent)).y((hit) => plot.y(accuracyOf(hit)));
  const curves = plot.body.selectAll("path").data(CRITERIA).join("path").attr("fill", "none")
    .attr("stroke", (c) => c[2]).attr("stroke-dasharray", (c) => c[3]).attr("d", (c) => line(hits[c[0]]));
  const legend = plot.svg.selectAll("g.key").data(CRITERIA).join("g").attr("class", "key").attr("transform", (_, i) => `translate(86,${170 + 22 * i})`);
  legend.append("line").attr("x2", 30).attr("y1", -5).attr("y2", -5).attr("stroke-width", 2.5).attr("stroke", (c) => c[2]).attr("stroke-dasharray", (c) => c[3]);
  legend.append("text").attr("class", "axis-label").attr("x", 38).text((c) => c[1]);
  const dot = plot.body.append("circle").attr("r", 7).attr("stroke", course.colors.text).attr("stroke-width", 2);

  // Cada camada é uma imagem, um ponto por peso: azul positivo, laranja negativo, mais forte o de maior módulo.
  const picture = stage.svg(550, 250, "Os pesos que ficam em cada camada; os podados somem.");
  const places = [{ x: 8, y: 26, w: 256, h: 128 }, { x: 286, y: 26, w: 256, h: 128 }, { x: 8, y: 190, w: 256, h: 40 }];
  const panels = layers.map(({ rows, columns, start }, k) => {
    const turned = k > 0; // da segunda em diante, deitada: as entradas na horizontal
    const [width, height] = turned ? [rows, columns] : [columns, rows];
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    const { x, y, w, h } = places[k];
    const title = picture.append("text").attr("class", "axis-label").attr("x", x).attr("y", y - 8);
    const image = picture.append("image").attr("x", x).attr("y", y).attr("width", w).attr("height", h)
      .attr("preserveAspectRatio", "none").style("image-rendering", "pixelated");
    picture.append("rect").attr("x", x).attr("y", y).attr("width", w).attr("height", h).attr("fill", "none").attr("stroke", course.colors.muted);
    return (mask) => {
      const data = context.createImageData(width, height);
      let kept = 0;
      for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
        const code = codes[start + i * columns + j];
        if (!mask[start + i * columns + j]) continue;
        kept++;
        const at = 4 * (turned ? j * width + i : i * width + j);
        data.data.set([...(code < 0 ? [213, 94, 0] : [0, 114, 178]), 70 + Math.min(185, 5 * Math.abs(code))], at);
      }
      context.putImageData(data, 0, 0);
      image.attr("href", canvas.toDataURL());
      const share = `${course.number((100 * kept) / (rows * columns), 1)}%`;
      title.text(`${rows} → ${columns}: ficam ${share}`);
      return share;
    };
  });

  function draw() {
    const percent = sparsity.value, [name, text, color] = CRITERIA.find((c) => c[0] === criterion.value);
    const mask = maskOf(name, percent), hit = correct(mask);
    const shares = panels.map((panel) => panel(mask));
    curves.attr("stroke-width", (c) => (c[0] === name ? 3 : 1.5)).attr("opacity", (c) => (c[0] === name ? 1 : 0.55));
    dot.attr("fill", color).attr("cx", plot.x(percent)).attr("cy", plot.y(accuracyOf(hit)));
    stage.say(
      `Esparsidade de ${percent}%, ${text}: ficam ${d3.sum(mask).toLocaleString("pt-BR")} de ${count.toLocaleString("pt-BR")} pesos ` +
      `(por camada, ${shares.join("; ")}). Sem nenhum ajuste, a rede acerta ${hit} de ${labels.length} dígitos: ${course.number(accuracyOf(hit))}%.`,
    );
  }

  const sparsity = stage.slider({ label: "Esparsidade", min: 0, max: 100, step: 1, value: 80, format: (v) => `${v}%` }, draw);
  const criterion = stage.choice({ label: "Critério", options: CRITERIA.map((c) => c.slice(0, 2)) }, draw);
  draw();
});
