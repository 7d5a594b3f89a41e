/* refuse.h - a boot that cannot be: one line that says what is wrong, exit status 2. For what a
 * user can cause (the bundle's contents, too little memory); bugs are CHECK's. */
#ifndef GORT_LOAD_REFUSE_H
#define GORT_LOAD_REFUSE_H

/* Boot context. The line begins with "gort: " and gets its end. */
_Noreturn void boot_refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2), cold));

/* Boot: refuses if there is no memory for `what`. */
#define BOOT_MEMORY(p, what)                                                             \
    do {                                                                                 \
        if (!(p))                                                                        \
            boot_refuse("no memory for %s: give the machine more (-m), or the program "\
                        "fewer files", (what));                                          \
    } while (0)

#endif
