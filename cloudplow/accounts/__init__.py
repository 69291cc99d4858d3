"""Who may upload how much: key files, what each account spent, which one is next."""
