//! What railstage knows of WordPress data.
