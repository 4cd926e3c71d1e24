"""Da entrega ao livro de notas: ler, corrigir, gravar."""
