//! Seconds since 1970 as people read them: UTC by the calendar's own rules, and the local day and
//! time of day by the rules of the time zone (localtime_r(3)).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment in RFC 3339, UTC: `2026-11-21T10:31:07.250Z`. Moments before 1970 are its beginning.
pub fn utc(moment: SystemTime) -> String {
    let since = since_epoch(moment);
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let milli = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The local time of day: `10:31:07`.
pub fn time_of_day(moment: SystemTime) -> String {
    let seconds = since_epoch(moment).as_secs();
    let local = nix::libc::time_t::try_from(seconds).ok().and_then(local);
    let (hour, minute, second) = local.map_or_else(
        || {
            let second = seconds % 86_400;
            (second / 3600, second / 60 % 60, second % 60)
        },
        |parts| {
            let part = |number: i32| u64::try_from(number).unwrap_or(0);
            (part(parts.tm_hour), part(parts.tm_min), part(parts.tm_sec))
        },
    );
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// The local day of a moment in seconds since the epoch: how many days it is after 1970-01-01.
/// Where the C library cannot tell, the day in UTC.
pub fn local_day(seconds: i64) -> i64 {
    local(seconds).map_or(seconds.div_euclid(86_400), |parts| {
        let [year, month, day] = [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday];
        day_of(i64::from(year), i64::from(month), i64::from(day))
    })
}

/// A moment in seconds since the epoch as a local date and time: `2026-11-21 10:31`.
pub fn local_minute(seconds: i64) -> String {
    let date = date_of(local_day(seconds));
    let since = u64::try_from(seconds).unwrap_or(0);
    let time = time_of_day(UNIX_EPOCH + Duration::from_secs(since));
    format!("{date} {}", &time[..5])
}

/// The date of a day counted from 1970-01-01: `2026-11-21`. Days before 1970 are its first.
pub fn date_of(day: i64) -> String {
    let (year, month, day) = date(u64::try_from(day).unwrap_or(0));
    format!("{year:04}-{month:02}-{day:02}")
}

fn since_epoch(moment: SystemTime) -> Duration {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years are
/// counted from 0000-03-01, so that a leap day is the last of its year; 400 of them have 146,097
/// days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + next, month, day)
}

/// The day of a date, counted from 1970-01-01: what [`date`] undoes.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let before = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    before + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// A moment where this machine is; `None` when the C library cannot tell.
#[expect(unsafe_code, reason = "localtime_r(3) has no safe wrapper")]
fn local(time: nix::libc::time_t) -> Option<nix::libc::tm> {
    // SAFETY: an all-zero `struct tm` is a valid value: it holds integers and a pointer that may be
    // null, and localtime_r overwrites it.
    let mut parts: nix::libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of this function for the time of the call;
    // localtime_r keeps neither and is safe among threads.
    let filled = unsafe { nix::libc::localtime_r(&raw const time, &raw mut parts) };
    (!filled.is_null()).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> String {
        utc(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59.000Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_798_761_599), "2026-12-31T23:59:59.000Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn a_day_follows_the_other() {
        let mut earlier = date(0);
        for day in 1..60_000 {
            let now = date(day);
            let next = (earlier.0, earlier.1, earlier.2 + 1);
            let month = (earlier.0, earlier.1 + 1, 1);
            let year = (earlier.0 + 1, 1, 1);
            assert!([next, month, year].contains(&now), "{earlier:?} {now:?}");
            assert!(now > earlier);
            earlier = now;
        }
    }

    #[test]
    fn a_date_leads_back_to_its_day() {
        for day in 0..60_000 {
            let (year, month, of_month) = date(day);
            let back = day_of(year as i64, month as i64, of_month as i64);
            assert_eq!(back, day as i64);
        }
        assert_eq!(date_of(20_778), "2026-11-21");
    }

    #[test]
    fn a_local_day_is_at_most_one_from_that_of_utc() {
        for seconds in (0..2_000_000_000).step_by(7_654_321) {
            let days = local_day(seconds) - seconds.div_euclid(86_400);
            assert!((-1..=1).contains(&days), "{seconds}: {days}");
        }
    }

    #[test]
    fn a_local_minute_is_a_date_and_a_time() {
        let text = local_minute(1_795_000_000);
        assert_eq!(text.len(), 16, "{text}");
        assert!(text.starts_with("2026-11-1"), "{text}");
    }

    #[test]
    fn a_time_of_day_has_eight_characters() {
        let text = time_of_day(SystemTime::now());
        assert_eq!(text.len(), 8, "{text}");
        // Zones differ by whole minutes from UTC in our time.
        let moment = UNIX_EPOCH + Duration::from_secs(1_800_000_007);
        assert!(time_of_day(moment).ends_with(":07"));
    }
}
