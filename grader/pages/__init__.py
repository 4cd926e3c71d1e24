"""O que as pessoas leem depois da correção: devolutivas e relatório."""
