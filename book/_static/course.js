// O botão de copiar não traz português. Este arquivo é adiado (`defer`): roda depois de todos e antes de a página
// ficar pronta, a tempo de completar os outros.
if (typeof messages !== "undefined") {
  messages["pt-BR"] = {
    copy: "Copiar",
    copy_to_clipboard: "Copiar para a área de transferência",
    copy_success: "Copiado!",
    copy_failure: "Não foi possível copiar",
  };
  locale = "pt-BR";
  iconCopy = iconCopy.replace("Copy to clipboard", messages[locale].copy_to_clipboard);
}

// O resumo de cada resultado da busca vem do artigo, e não dos botões em volta dele.
if (typeof Search !== "undefined") {
  const pageToText = Search.htmlToText;
  Search.htmlToText = (html, anchor) =>
    pageToText(
      html.replace('role="main"', "").replace('class="bd-article"', 'class="bd-article" role="main"'),
      anchor,
    );
}
