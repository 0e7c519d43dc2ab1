"""Functions over bytes as machine code: compiled ahead by numba, run without it.

numba is a large thing to have in each collector: it takes most of a second and some 70 MB to load.
So what is marked is compiled once, by a process that ends (``compiling``), to an object file as
any compiler makes one; that is kept on disk (``kept``), and later processes load it with LLVM's
linker alone (``loading``).
"""
