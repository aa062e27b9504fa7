/* The C code in our dependencies takes nothing of a C library but NULL: with this file in the place of
   stdlib.h it compiles for every target, and no headers of that target have to be installed. */
#include <stddef.h>
