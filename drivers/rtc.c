#include "drivers/rtc.h"
#include <stdbool.h>
#include "arch/x86_64/asm.h"
#include "drivers/acpi.h"

#define CENTURY_FIRST 19 /* a century register below or above the bounds is not believed */
#define CENTURY_LAST  30

struct rtc_time { uint8_t sec, min, hour, day, month, year, century; };

static uint8_t cmos(uint8_t reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

bool rtc_updating(void) { return cmos(0x0a) & 0x80; }

static void read_once(struct rtc_time *t)
{
    for (int i = 0; i < 100000 && rtc_updating(); i++)
        ;
    *t = (struct rtc_time){ cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9),
                            acpi.century ? cmos(acpi.century) : 0 };
}

static bool same(const struct rtc_time *a, const struct rtc_time *b)
{
    return a->sec == b->sec && a->min == b->min && a->hour == b->hour && a->day == b->day &&
           a->month == b->month && a->year == b->year && a->century == b->century;
}

static uint8_t bcd(uint8_t v, bool binary)
{
    return binary ? v : (uint8_t)((v >> 4) * 10 + (v & 15));
}

/* Days since 1970-01-01 of a Gregorian date; March-based years put the leap day last. */
static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static int64_t full_year(const struct rtc_time *t, bool binary)
{
    unsigned century = bcd(t->century, binary);

    if (century < CENTURY_FIRST || century > CENTURY_LAST)
        century = 20;
    return century * 100 + bcd(t->year, binary);
}

int64_t rtc_read(void)
{
    struct rtc_time a, b;
    int tries = 0;

    do {
        read_once(&a);
        read_once(&b);
    } while (!same(&a, &b) && ++tries < 5);
    uint8_t mode = cmos(0x0b);
    bool binary = mode & 4, pm = a.hour & 0x80 && !(mode & 2);
    unsigned hour = bcd(a.hour & 0x7f, binary), month = bcd(a.month, binary);
    unsigned day = bcd(a.day, binary);

    if (!(mode & 2)) /* 12-hour clock */
        hour = hour % 12 + (pm ? 12 : 0);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23)
        return 0;
    return days_from_civil(full_year(&a, binary), month, day) * 86400 + hour * 3600 +
           bcd(a.min, binary) * 60 + bcd(a.sec, binary);
}
