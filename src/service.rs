//! The service of the Test Plan Execution API over a store.
