//! Seconds since 1970 as people read them: UTC by the calendar's own rules, and the local time of
//! day by the rules of the time zone (localtime_r(3)).

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
    let (hour, minute, second) = local(seconds).unwrap_or_else(|| {
        let second = seconds % 86_400;
        (second / 3600, second / 60 % 60, second % 60)
    });
    format!("{hour:02}:{minute:02}:{second:02}")
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

/// Hour, minute and second where this machine is; `None` when the C library cannot tell.
#[expect(unsafe_code, reason = "localtime_r(3) has no safe wrapper")]
fn local(seconds: u64) -> Option<(u64, u64, u64)> {
    let time = nix::libc::time_t::try_from(seconds).ok()?;
    // SAFETY: an all-zero `struct tm` is a valid value: it holds integers and a pointer that may be
    // null, and localtime_r overwrites it.
    let mut parts: nix::libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of this function for the time of the call;
    // localtime_r keeps neither and is safe among threads.
    let filled = unsafe { nix::libc::localtime_r(&raw const time, &raw mut parts) };
    if filled.is_null() {
        return None;
    }
    let part = |number: i32| u64::try_from(number).ok();
    Some((
        part(parts.tm_hour)?,
        part(parts.tm_min)?,
        part(parts.tm_sec)?,
    ))
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
    fn a_time_of_day_has_eight_characters() {
        let text = time_of_day(SystemTime::now());
        assert_eq!(text.len(), 8, "{text}");
        // Zones differ by whole minutes from UTC in our time.
        let moment = UNIX_EPOCH + Duration::from_secs(1_800_000_007);
        assert!(time_of_day(moment).ends_with(":07"));
    }
}
