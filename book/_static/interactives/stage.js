// O palco das figuras interativas. Cada figura é um script ao lado deste, que chama `course.interactive(nome, montar)`;
// `montar` recebe um palco e desenha nele com o d3. A figura estática da página fica no lugar até tudo dar certo.

const course = (() => {
  d3.formatDefaultLocale({ decimal: ",", thousands: ".", grouping: [3], currency: ["R$ ", ""] });

  // O d3 do pacote mpld3 é o 5.7: tem d3.mouse e d3.histogram, e não d3.pointer, d3.bin nem d3.scaleLinear(domínio, alcance).
  // `join` chegou na versão seguinte.
  d3.selection.prototype.join ??= function (name) {
    const entered = this.enter().append(name);
    this.exit().remove();
    return entered.merge(this).order();
  };

  // As cores de `figures.py`; as duas últimas seguem o tema claro ou escuro.
  const colors = {
    blue: "#0072b2", orange: "#d55e00", green: "#009e73", purple: "#cc79a7", sky: "#56b4e9", gold: "#e69f00",
    text: "var(--pst-color-text-base)", muted: "var(--pst-color-text-muted)",
  };

  // Um número como se escreve em português.
  const number = (value, digits = 2) =>
    Number.isFinite(value)
      ? value.toLocaleString("pt-BR", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−")
      : value > 0 ? "∞" : value < 0 ? "−∞" : "indefinido";

  // Um gerador com semente (mulberry32): a mesma figura para todos, e um sorteio que se pode repetir.
  const random = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  class Stage {
    constructor(picture, note) {
      this.description = picture.alt;
      this.root = d3.create("div").attr("class", "stage").attr("role", "group").attr("aria-label", "Figura interativa");
      this.root.append("div").attr("class", "stage-note").node().append(...note.childNodes);
      this.canvas = this.root.append("div").attr("class", "stage-canvas");
      this.controls = this.root.append("div").attr("class", "stage-controls");
      this.status = this.root.append("output").attr("class", "stage-status").attr("aria-live", "polite");
    }

    // Um SVG que encolhe com a tela; `label` descreve o que se vê (por padrão, o texto da figura estática).
    svg(width = 550, height = 340, label = this.description) {
      return this.canvas.append("svg").attr("viewBox", `0 0 ${width} ${height}`).attr("role", "img").attr("aria-label", label);
    }

    // Um gráfico com eixos. Devolve {svg, x, y, body, axes}: as escalas, o grupo recortado onde se desenha, e a função
    // que redesenha os eixos depois de mudar `x.domain(…)` ou `y.domain(…)`.
    plot({ x, y, xLabel = "", yLabel = "", width = 550, height = 340, ticks = 6, label = this.description }) {
      const margin = { left: 70, right: 16, top: 12, bottom: 56 };
      const svg = this.svg(width, height, label);
      const xScale = d3.scaleLinear().domain(x).range([margin.left, width - margin.right]);
      const yScale = d3.scaleLinear().domain(y).range([height - margin.bottom, margin.top]);
      const clip = `recorte-${Stage.clips++}`;
      svg.append("clipPath").attr("id", clip).append("rect").attr("x", margin.left).attr("y", margin.top)
        .attr("width", width - margin.left - margin.right).attr("height", height - margin.top - margin.bottom);
      const body = svg.append("g").attr("clip-path", `url(#${clip})`);
      const xAxis = svg.append("g").attr("class", "axis").attr("transform", `translate(0,${height - margin.bottom})`);
      const yAxis = svg.append("g").attr("class", "axis").attr("transform", `translate(${margin.left},0)`);
      const caption = (text) => svg.append("text").attr("class", "axis-label").attr("text-anchor", "middle").text(text);
      caption(xLabel).attr("x", (margin.left + width - margin.right) / 2).attr("y", height - 8);
      caption(yLabel).attr("transform", `translate(18,${(margin.top + height - margin.bottom) / 2}) rotate(-90)`);
      const axes = () => {
        const written = (scale) => (value) => scale.tickFormat(ticks)(value).replace("-", "−");
        xAxis.call(d3.axisBottom(xScale).ticks(ticks).tickFormat(written(xScale)));
        yAxis.call(d3.axisLeft(yScale).ticks(ticks).tickFormat(written(yScale)));
      };
      axes();
      return { svg, x: xScale, y: yScale, body, axes };
    }

    // Um controle deslizante com o valor à vista. `format` o escreve; `onChange` recebe o número.
    // Devolve {value, set(v)}; `set` não chama `onChange`.
    slider({ label, min, max, step, value, format = (v) => number(v) }, onChange) {
      const row = this.controls.append("label").attr("class", "stage-slider");
      row.append("span").text(label);
      const track = row.append("span").attr("class", "stage-track");
      const input = track.append("input").attr("type", "range").attr("min", min).attr("max", max).attr("step", step);
      const shown = track.append("span").attr("class", "stage-value").attr("aria-hidden", "true");
      const control = {
        get value() { return Number(input.property("value")); },
        set(v) {
          input.property("value", v).attr("aria-valuetext", format(control.value));
          shown.text(format(control.value));
        },
      };
      control.set(value);
      input.on("input", () => { control.set(control.value); onChange(control.value); });
      return control;
    }

    // Uma escolha entre opções [[valor, texto], …]. Devolve {value}.
    choice({ label, options, value = options[0][0] }, onChange) {
      const row = this.controls.append("label").attr("class", "stage-choice");
      row.append("span").text(label);
      const select = row.append("select");
      for (const [key, text] of options) select.append("option").attr("value", key).text(text);
      select.property("value", value).on("change", () => onChange(select.property("value")));
      return { get value() { return select.property("value"); } };
    }

    button(label, onClick) {
      return this.controls.append("button").attr("type", "button").text(label).on("click", onClick);
    }

    // Os botões de uma animação: «Um passo», «Rodar» e «Recomeçar». `step` devolve false quando acabou.
    // Devolve {stop()}, para quando um controle muda o que se anima.
    player({ step, reset, milliseconds = 150 }) {
      let timer = null;
      const stop = () => {
        if (timer) timer.stop();
        timer = null;
        run.text("Rodar");
        this.status.attr("aria-live", "polite");
      };
      const start = () => {
        this.status.attr("aria-live", "off"); // lido em voz alta só quando para
        run.text("Parar");
        timer = d3.interval(() => step() === false && stop(), milliseconds);
      };
      this.button("Um passo", () => { stop(); step(); });
      const run = this.button("Rodar", () => (timer ? stop() : start()));
      this.button("Recomeçar", () => { stop(); reset(); });
      return { stop };
    }

    // A frase que diz em palavras o que a figura mostra agora; leitores de tela a ouvem.
    say(text) {
      this.status.text(text);
    }
  }
  Stage.clips = 0;

  // Os dados que uma célula da página escreveu em <script type="application/json" id="…">.
  const data = (id) => JSON.parse(document.getElementById(id).textContent);

  // Cada figura só é montada quando a leitura se aproxima dela.
  const interactive = (name, build) => {
    for (const note of document.querySelectorAll(`.interactive[data-name="${name}"]`)) {
      const figure = document.getElementById(note.dataset.figure);
      const nearby = new IntersectionObserver((entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        nearby.disconnect();
        const picture = figure.querySelector("img");
        const stage = new Stage(picture, note);
        build(stage);
        figure.insertBefore(stage.root.node(), figure.firstChild);
        picture.hidden = true;
        note.remove();
      }, { rootMargin: "800px" });
      nearby.observe(figure);
    }
  };

  return { interactive, colors, number, random, data };
})();
