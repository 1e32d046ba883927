"""Finite Markov decision processes: exact solutions, automorphisms, homomorphisms."""
