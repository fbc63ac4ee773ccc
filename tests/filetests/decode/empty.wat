;;! test = "decode"

(module)















