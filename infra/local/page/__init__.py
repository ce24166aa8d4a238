"""The page at the endpoint's root: what runs, who gets the traffic, and the deployment under way, live."""
