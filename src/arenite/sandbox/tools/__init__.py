"""Functions of the host's that code in a box calls by name.

toolbox     what a box has of them, who permits a call, and how one is done
call        a call as data: read from what a guest writes, answered in what it reads
tool        a function with its signature
fetch       a tool that asks servers
addresses   which of the network's are everybody's
hints       whether an argument is what an annotation says
"""
