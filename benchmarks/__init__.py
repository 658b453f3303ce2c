"""How fast it is: the engine beside other simulators, its growth, and where its time goes."""
