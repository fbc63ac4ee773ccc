;;! test = "decode"

(module)














