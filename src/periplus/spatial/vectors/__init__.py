"""How vectors fill their sphere: collapse, cone, hubs."""
