;;! test = "decode"

(module)
