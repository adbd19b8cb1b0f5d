"""Cases: catalogue, routing rules, decisions with their reasons, deliveries to the handling bodies. No Flask."""
