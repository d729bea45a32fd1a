"""The Lambda code of Headway: one folder per hop, in the order in which a call passes through them."""
