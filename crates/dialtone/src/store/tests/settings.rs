use super::on_both;

#[test]
fn a_setting_says_what_was_set_last() {
    on_both(async |fresh| {
        let store = fresh.store;
        assert_eq!(store.setting("guests").await.unwrap(), None);
        store.set_setting("guests", "no").await.unwrap();
        store.set_setting("guests", "yes").await.unwrap();
        let said = store.setting("guests").await.unwrap();
        assert_eq!(said.as_deref(), Some("yes"));
    });
}

#[test]
fn what_is_fixed_at_the_first_run_stays() {
    on_both(async |fresh| {
        let store = fresh.store;
        assert_eq!(store.fix_setting("rp", "first").await.unwrap(), "first");
        assert_eq!(store.fix_setting("rp", "second").await.unwrap(), "first");
    });
}
