"""What did not get through: dead letters, refused records and kept webhooks, to be looked at and driven through."""
