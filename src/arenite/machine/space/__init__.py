"""Where everything lies: a store's cage, images of it, and the window of code that stores share."""
