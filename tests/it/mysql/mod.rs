//! The engine of MariaDB and MySQL between real servers: what arrives, what is refused, and what a failure leaves behind.

mod started;
