//! A real WordPress: what an image of it holds, containers of it, and a site that was lived in.
//!
//! [`Container::start`] unpacks the image into a folder of its own and serves it by PHP; what it makes of its variables is what
//! Docker's image makes of them. Mail that it sends is kept in the folder. Dropping it ends it and removes the folder.

mod container;
mod files;
mod image;
mod production;
mod site;

pub use container::{Container, ContainerOptions};
pub(crate) use files::USE_THEME;
pub use files::{PICTURE, PRIVATE, SiteFiles};
pub use image::php;
pub(crate) use image::{FOLDER, is_wordpress};
pub(crate) use production::NETWORK_EXTRA;
pub use production::{ADMINISTRATOR, HOST, PASSWORD_OF_CUSTOMERS, dump};
pub(crate) use site::{PORT, Site};
