"""Files that people send and the product makes; imports, exports and attachments all use them."""
