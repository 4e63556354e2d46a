"""Who may go where: aliases and admission."""
