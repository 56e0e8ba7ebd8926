raise SystemExit("nothing here yet")
