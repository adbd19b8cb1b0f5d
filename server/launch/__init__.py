"""Starting and stopping a patrol on one machine: packages, private servers, pages, processes, tests.

It owns everything under `.patrol/` and knows how programs are run; it must know nothing of grids, visits or
issues, and nothing here may import Flask: what needs the application is run as a program of its own.
"""
