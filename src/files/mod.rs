//! Files of volumes: read in a source's container, checked, changed where the copy needs it, and written in the copy's, through memory alone.
