"""DATA-GENIE: which sampler keeps the ranking of algorithms on a data set, predicted without training them."""
