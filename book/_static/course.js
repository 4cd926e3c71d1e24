// Este arquivo roda depois dos outros, para completá-los. O botão de copiar não traz português.
if (typeof messages !== "undefined") {
  messages["pt-BR"] = {
    copy: "Copiar",
    copy_to_clipboard: "Copiar para a área de transferência",
    copy_success: "Copiado!",
    copy_failure: "Não foi possível copiar",
  };
  locale = "pt-BR";
  iconCopy = iconCopy.replace("Copy to clipboard", messages[locale].copy_to_clipboard);
  iconCheck = iconCheck.replace("Copied!", messages[locale].copy_success);
  for (const button of document.querySelectorAll(".copybtn")) {
    button.dataset.tooltip = messages[locale].copy;
    button.innerHTML = iconCopy;
  }
}

// O resumo de cada resultado da busca vem do artigo, e não dos botões em volta dele.
if (typeof Search !== "undefined") {
  // Aberto de uma pasta, o navegador não deixa ler as outras páginas: a busca lista os títulos, sem resumo.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  const pageToText = Search.htmlToText;
  Search.htmlToText = (html, anchor) =>
    pageToText(
      html.replace('role="main"', "").replace('class="bd-article"', 'class="bd-article" role="main"'),
      anchor,
    ).replace(/\\[()[\]]/g, ""); // sem os sinais que cercam uma fórmula
}

// A busca não olha acentos: a conta é a de `search.py`, que fez o índice.
if (typeof Stemmer !== "undefined") {
  const Accented = Stemmer;
  const endings = [
    [/cao$/, "ção"], [/coes$/, "ções"], [/ao$/, "ão"], [/oes$/, "ões"],
    [/ancia(s?)$/, "ância$1"], [/encia(s?)$/, "ência$1"],
  ];
  const unaccented = (word) => word.normalize("NFD").replace(/\p{M}/gu, "");
  Stemmer = function () {
    Accented.call(this);
    const stem = this.stemWord;
    this.stemWord = (word) => {
      const plain = unaccented(word);
      const [ending, accented] = endings.find(([ending]) => ending.test(plain)) ?? ["", ""];
      return unaccented(stem.call(this, plain.replace(ending, accented)));
    };
  };
}

// As fórmulas e as figuras interativas pedem os seus scripts quando uma aparece, quando o leitor se mexe ou pede para
// imprimir, ou com a página já quieta.
for (const drawn of [".math", ".interactive"]) {
  const load = () => awaken(drawn);
  const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && load());
  document.querySelectorAll(drawn).forEach((part) => seen.observe(part));
  for (const moment of ["scroll", "keydown", "beforeprint"]) addEventListener(moment, load, { once: true });
  setTimeout(load, 4000);
}
