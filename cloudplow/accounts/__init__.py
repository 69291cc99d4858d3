"""Which account may upload how much: key files, what each account has spent, which one is next."""
