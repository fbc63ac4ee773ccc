;;! test = "decode"

(module)













