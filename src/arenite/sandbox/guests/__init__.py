"""The programs that run the code of boxes, each by an adapter: `guest` says what one has to tell.

cpython     CPython 3.12
wire        requests and answers of guests that speak JSON
inside/     what is given to guests to run: never imported here
"""
