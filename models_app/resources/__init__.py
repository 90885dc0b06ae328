"""What a download and a model need, and what there is: estimates, probes of a host, judgements."""
