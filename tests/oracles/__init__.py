"""As referências diante de um oráculo independente, um arquivo por exercício."""
