"""Reinforcement-learning policies that respect the symmetries of their MDP by construction."""
