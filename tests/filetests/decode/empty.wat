;;! test = "decode"

(module)












