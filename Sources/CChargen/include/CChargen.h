// include/chargen.h, the header that users have, as a module.
#include "../../../include/chargen.h"
