// O botão de copiar não traz português; este arquivo é carregado depois do dele e antes de a página ficar pronta.
if (typeof messages !== "undefined") {
  messages["pt-BR"] = {
    copy: "Copiar",
    copy_to_clipboard: "Copiar para a área de transferência",
    copy_success: "Copiado!",
    copy_failure: "Não foi possível copiar",
  };
  locale = "pt-BR";
}
