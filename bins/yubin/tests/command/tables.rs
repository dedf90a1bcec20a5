//! What an operator does with a table of customers.

use std::fs;

use serde_json::json;

use crate::world::World;

#[test]
fn a_table_of_accounts_is_taken_once() {
    let world = World::new();
    world.ok("plan add standard --login @#@#-@@@");
    let table = "\u{feff}Login,addresses,password,plan,contract,quota\r\n\
        ab4t-ash,taro@mx.example.jp ash@mx.example.jp,\" natsu, no \"\"umi\"\"\",standard,4711,10GiB\r\n\
        m1234ab567c,,,,,\r\n";
    fs::write(world.path("a.csv"), table).unwrap();
    assert_eq!(world.json("import accounts a.csv"), json!({ "found": 2, "taken": 2, "before": 0 }));
    let shown = world.json("account show ab4t-ash");
    assert_eq!((&shown["contract"], &shown["plan"]), (&json!("4711"), &json!("standard")));
    assert_eq!(shown["quota"], (10_u64 << 30).to_string());
    assert_eq!(shown["addresses"].as_array().unwrap().len(), 3);
    assert!(world.json("account show m1234ab567c")["password_changed_at"].is_null());
    let again = world.ok("import accounts a.csv");
    assert!(again.contains("0 accounts") && again.contains("2 were there before"), "{again}");
}

#[test]
fn a_broken_line_a_duplicate_and_a_wrong_encoding_are_told_with_their_numbers() {
    let world = World::new();
    let before = world.json("account list");
    let mut table = b"login,addresses\nhanako01,\nhanako02\nhanako01,\n".to_vec();
    // Shift_JIS.
    table.extend_from_slice(b"\x93\x63\x92\x86,\n\"two\nlines\",\nhanako03,x@example.org\n");
    fs::write(world.path("a.csv"), table).unwrap();
    let told = world.complaint(1, "import accounts a.csv");
    for words in [
        "nothing was done: 5 of the lines",
        "line 3: it has 1 cells where the first line names 2",
        "line 4: hanako01 stands on line 2 already",
        "line 5: it is not UTF-8",
        "line 6: ",
        "line 8: ",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(world.json("account list"), before);
    fs::write(world.path("b.csv"), "login,pasword\nhanako01,x\n").unwrap();
    assert!(world.complaint(1, "import accounts b.csv").contains("line 1: there is no column \"pasword\""));
    fs::write(world.path("c.csv"), "password\nx\n").unwrap();
    assert!(world.complaint(1, "import accounts c.csv").contains("there is no column \"login\""));
    assert!(world.complaint(1, "import accounts d.csv").contains("d.csv"));
}

#[test]
fn c_07_many_are_issued_and_asking_again_issues_nothing_again() {
    let world = World::new();
    world.ok("plan add standard --login @#@#-@@@ --accounts 2");
    let issued = world.json("account issue --plan standard --count 3 --request batch-7");
    let passwords = |list: &serde_json::Value| {
        let list = list.as_array().unwrap().iter();
        list.filter(|account| account["password"].is_string()).count()
    };
    assert_eq!((issued.as_array().unwrap().len(), passwords(&issued)), (3, 3));
    let again = world.json("account issue --plan standard --count 4 --request batch-7");
    assert_eq!(passwords(&again), 1, "what is missing");
    assert_eq!(again[0]["login"], issued[0]["login"]);

    fs::write(world.path("a.csv"), "contract,request\n4711,a\n4711,b\n4712,c\n4711,d\n4713,e\n").unwrap();
    let done = world.run("account issue --plan standard --from a.csv");
    assert_eq!(done.code, 1, "a contract has two");
    assert!(done.err.contains("line 5: ") && done.err.contains("2 were not issued"), "{}", done.err);
    assert_eq!(done.out.lines().count(), 4, "{}", done.out);
    fs::write(world.path("a.csv"), "contract,request\n4711,x\n,y\n4712,x\n").unwrap();
    let told = world.complaint(1, "account issue --plan standard --from a.csv");
    assert!(
        told.contains("line 3: it names no contract") && told.contains("line 4: the request x"),
        "{told}"
    );
}
