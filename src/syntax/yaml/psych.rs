use super::node::Node;
/// x
#[derive(Debug,Clone,PartialEq)]
pub enum Scalar { /// x
 X }
/// x
pub fn read(node: &Node) -> Scalar { let _ = node; Scalar::X }
/// x
pub fn is_merge_key(node: &Node) -> bool { node.scalar() == Some("<<") }
